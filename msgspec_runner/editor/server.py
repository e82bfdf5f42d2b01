"""The language server: the protocol's requests to the session's, and back. pygls speaks JSON-RPC."""

from __future__ import annotations

import asyncio
import logging
from threading import Event
from typing import Any, Final, cast

from lsprotocol import types
from pygls.io_ import run_async
from pygls.lsp.server import LanguageServer

from msgspec_runner._version import __version__
from msgspec_runner.editor import stdio, wire
from msgspec_runner.editor.positions import Extent
from msgspec_runner.editor.questions import (
    Checked,
    Complete,
    Define,
    Explain,
    Explanation,
    Mend,
    MendAll,
    Proposal,
    Repair,
    Settings,
    Target,
)
from msgspec_runner.editor.session import Session, Text

logger = logging.getLogger(__name__)

TRIGGERS: Final = ("{", "%", "|", ".", "(", "'", '"', "[", " ")
"""Characters after which a client asks by itself what may follow."""

WATCHED: Final = (
    "**/*.{yaml,yml}",
    "**/*.{csv,tsv,json,jsonl,ndjson,xlsx}",
    "**/{pyproject,msgspec-runner}.toml",
    "**/partials/**",
)
"""Files whose change changes what is to be said of a spec: specs, recipients, catalogs, configuration, partials."""


class Server(LanguageServer):
    """A language server over standard input and output."""

    def __init__(self) -> None:
        super().__init__("msgspec-runner", __version__, types.TextDocumentSyncKind.Full)
        self.session = Session(self.publish)
        self.has_begun = False
        self.has_shut_down = False

    def publish(self, text: Text, checked: Checked) -> None:
        """Show what was found in a text."""
        found = wire.diagnostics(checked, self.opened, related=self._shows_related)
        params = types.PublishDiagnosticsParams(text.uri, found, text.version)
        self.text_document_publish_diagnostics(params)

    def report_server_error(self, error: Exception, source: Any) -> None:  # noqa: ARG002 - pygls passes both
        """Log an error, where pygls would open a window in front of whoever types."""
        logger.error("%s: %s", type(error).__name__, error)

    @property
    def opened(self) -> dict[str, str]:
        """The URIs of the open texts, by path."""
        return {text.path: text.uri for text in self.session.texts.values()}

    @property
    def versioned(self) -> bool:
        """Whether the client takes changes of a version of a text."""
        edit = self.client_capabilities.workspace and self.client_capabilities.workspace.workspace_edit
        return bool(edit and edit.document_changes)

    @property
    def watches(self) -> bool:
        """Whether the client can be asked to tell of files that change."""
        workspace = self.client_capabilities.workspace
        watched = workspace and workspace.did_change_watched_files
        return bool(watched and watched.dynamic_registration)

    @property
    def has_settings(self) -> bool:
        """Whether the client can be asked for the person's settings."""
        workspace = self.client_capabilities.workspace
        return bool(workspace and workspace.configuration)

    @property
    def _shows_related(self) -> bool:
        text = self.client_capabilities.text_document
        return bool(text and text.publish_diagnostics and text.publish_diagnostics.related_information)


def serve(profile: str = "") -> int:
    """Serve one client over standard input and output; return the exit code that the protocol wants.

    It is 0 after ``shutdown``, and where nobody ever spoke; 1 where the client went away without a word.

    Args:
        profile: of the configuration, until the client sends settings.
    """
    server = make_server()
    server.session.settings = Settings(profile=profile)
    writer = stdio.Writer()
    try:
        asyncio.run(_serve(server, writer))
    except SystemExit:  # how pygls ends
        pass
    except BrokenPipeError:
        logger.info("the client is gone")
    return 1 if server.has_begun and not server.has_shut_down else 0


async def _serve(server: Server, writer: stdio.Writer) -> None:
    server.protocol.set_writer(writer)
    try:
        await run_async(
            stop_event=Event(),
            reader=stdio.reader(asyncio.get_running_loop()),
            protocol=server.protocol,
            logger=logger,
            error_handler=server.report_server_error,
        )
    except asyncio.IncompleteReadError:
        logger.info("the client is gone")
    finally:
        await server.session.close()


def make_server() -> Server:
    """Return a server that knows what to do with every request."""
    server = Server()
    _lifecycle(server)
    _texts(server)
    _questions(server)
    return server


def _lifecycle(server: Server) -> None:
    session = server.session

    @server.feature(types.INITIALIZE)
    def initialize(params: types.InitializeParams) -> None:
        server.has_begun = True
        session.units = wire.units(server.workspace.position_encoding)
        session.settings = wire.settings(params.initialization_options, session.settings)
        session.begin()

    @server.feature(types.INITIALIZED)
    async def initialized(_: types.InitializedParams) -> None:
        if server.watches:
            watchers = [types.FileSystemWatcher(pattern) for pattern in WATCHED]
            options = types.DidChangeWatchedFilesRegistrationOptions(watchers)
            watch = types.Registration("files", types.WORKSPACE_DID_CHANGE_WATCHED_FILES, options)
            await server.client_register_capability_async(types.RegistrationParams([watch]))
        await ask_for_settings()

    @server.feature(types.SHUTDOWN)
    def shutdown(_: None) -> None:
        server.has_shut_down = True

    @server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
    async def settings_changed(params: types.DidChangeConfigurationParams) -> None:
        take_settings(params.settings)
        await ask_for_settings()

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def files_changed(_: types.DidChangeWatchedFilesParams) -> None:
        session.look_again()

    async def ask_for_settings() -> None:
        if server.has_settings:
            item = types.ConfigurationItem(section=wire.SOURCE)
            answers = await server.workspace_configuration_async(types.ConfigurationParams([item]))
            take_settings(next(iter(answers or ()), None))

    def take_settings(value: object) -> None:
        settings = wire.settings(value, session.settings)
        if settings != session.settings:
            session.settings = settings
            session.look_again()


def _texts(server: Server) -> None:
    session = server.session

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def opened(params: types.DidOpenTextDocumentParams) -> None:
        document = params.text_document
        path = wire.path_of(document.uri)
        if path is not None:
            session.open(document.uri, path, document.text, document.version)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def changed(params: types.DidChangeTextDocumentParams) -> None:
        uri = params.text_document.uri
        session.change(uri, server.workspace.get_text_document(uri).source, params.text_document.version)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    def saved(_: types.DidSaveTextDocumentParams) -> None:
        if not server.watches:
            session.look_again()

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def closed(params: types.DidCloseTextDocumentParams) -> None:
        text = session.forget(params.text_document.uri)
        if text is not None:
            server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(text.uri, []))


def _questions(server: Server) -> None:
    session = server.session

    @server.feature(types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions(trigger_characters=list(TRIGGERS)))
    async def complete(params: types.CompletionParams) -> types.CompletionList | None:
        text = session.texts.get(params.text_document.uri)
        if text is None:
            return None
        by = params.context.trigger_character if params.context is not None else None
        question = Complete(session.desk(text), wire.spot(params.position), typed=by or "")
        found = cast("tuple[Proposal, ...] | None", await session.ask(question))
        return wire.completion(found or ())

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    async def explain(params: types.HoverParams) -> types.Hover | None:
        text = session.texts.get(params.text_document.uri)
        if text is None:
            return None
        place = wire.spot(params.position)
        found = text.checked.found if text.checked is not None else ()
        here = tuple(each.diagnostic for each in found if wire.touches(each.extent, Extent(place, place)))
        said = cast("Explanation | None", await session.ask(Explain(session.desk(text), place, here)))
        return wire.hover(said) if said is not None else None

    @server.feature(types.TEXT_DOCUMENT_DEFINITION)
    async def define(params: types.DefinitionParams) -> list[types.Location] | None:
        text = session.texts.get(params.text_document.uri)
        if text is None:
            return None
        question = Define(session.desk(text), wire.spot(params.position))
        targets = cast("tuple[Target, ...] | None", await session.ask(question))
        return [wire.location(target, server.opened) for target in targets or ()]

    kinds = types.CodeActionOptions([types.CodeActionKind.QuickFix, types.CodeActionKind.SourceFixAll])

    @server.feature(types.TEXT_DOCUMENT_CODE_ACTION, kinds)
    async def mend(params: types.CodeActionParams) -> list[types.CodeAction] | None:
        text = session.texts.get(params.text_document.uri)
        if text is None or text.checked is None:
            return None
        return await _actions(server, text, text.checked, params)


async def _actions(
    server: Server, text: Text, checked: Checked, params: types.CodeActionParams
) -> list[types.CodeAction]:
    version, desk = text.version, server.session.desk(text)
    wanted = Extent(wire.spot(params.range.start), wire.spot(params.range.end))
    here = [item for item in checked.found if wire.touches(item.extent, wanted)]
    actions: list[types.CodeAction] = []
    if _asks(params, types.CodeActionKind.QuickFix) and here:
        question = Mend(desk, tuple(item.diagnostic for item in here))
        for repair in cast("tuple[Repair, ...] | None", await server.session.ask(question)) or ():
            of = [wire.diagnostic(item, server.opened, related=False) for item in here if item.diagnostic in repair.of]
            actions.append(wire.action(repair, text.uri, version, of, versioned=server.versioned, all_of=False))
    if _asks(params, types.CodeActionKind.SourceFixAll):
        everything = MendAll(desk, text.findings)
        actions.extend(
            wire.action(repair, text.uri, version, (), versioned=server.versioned, all_of=True)
            for repair in cast("tuple[Repair, ...] | None", await server.session.ask(everything)) or ()
        )
    return actions if text.version == version else []


def _asks(params: types.CodeActionParams, kind: types.CodeActionKind) -> bool:
    """Say whether a client wants actions of a kind: it names the kind, or one that it belongs to, or none at all."""
    only = params.context.only
    return only is None or any(kind.value == each or kind.value.startswith(f"{each}.") for each in map(_name, only))


def _name(kind: types.CodeActionKind | str) -> str:
    return kind.value if isinstance(kind, types.CodeActionKind) else kind
