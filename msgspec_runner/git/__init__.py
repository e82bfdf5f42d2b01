"""What a git repository holds: its commits and their files, and nothing that it could make git run.

``process``     one git command: a clean environment, no shell, no network
``repository``  commits, trees and blobs; what git says when it cannot answer, explained

Git is asked for its objects only. It never compares, checks out or writes the working tree, so neither hooks nor
filters, diff drivers or file monitors of a repository's configuration ever run.
"""
