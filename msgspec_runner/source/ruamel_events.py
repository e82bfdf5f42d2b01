"""ruamel.yaml's parser in the shape of libyaml's: where libyaml is not built in, events come from here.

It is forty times slower than libyaml and needs no compiler. Its events and errors are those of PyYAML under
names of its own, so only the wrapping is here.
"""

from __future__ import annotations

import re
from typing import Any

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

_COLON = re.compile(r"[ \t]*:")
_STARTS = {"MappingStartEvent": yaml.MappingStartEvent, "SequenceStartEvent": yaml.SequenceStartEvent}
_ENDS = {
    "MappingEndEvent": yaml.MappingEndEvent,
    "SequenceEndEvent": yaml.SequenceEndEvent,
    "StreamStartEvent": yaml.StreamStartEvent,
    "StreamEndEvent": yaml.StreamEndEvent,
    "DocumentEndEvent": yaml.DocumentEndEvent,
}


class RuamelEvents:
    """Events of a text, one at a time.

    Args:
        text: one YAML document.
    """

    def __init__(self, text: str) -> None:
        reader = YAML(typ="safe", pure=True)
        # The public way to events closes its parser at the end; this is what it does before.
        _, self._parser = reader.get_constructor_parser(text)
        self._text = text
        self._last = 0

    def get_event(self) -> Any:
        """Return the next event as PyYAML's, None after the last.

        Raises:
            yaml.YAMLError: the text is not YAML.
        """
        try:
            if not self._parser.check_event():
                return None
            event = self._parser.get_event()
        except MarkedYAMLError as error:
            raise yaml.MarkedYAMLError(
                error.context, error.context_mark, error.problem, error.problem_mark, error.note
            ) from None
        except YAMLError as error:
            raise yaml.YAMLError(str(error)) from None
        if type(event).__name__ == "ScalarEvent" and event.start_mark.index == event.end_mark.index:
            return self._nothing(event)
        self._last = event.end_mark.index
        return _event(event)

    def _nothing(self, event: Any) -> yaml.ScalarEvent:
        """A value that is not written stands behind its colon, not behind the comment that follows."""
        colon = _COLON.match(self._text, self._last)
        index = event.start_mark.index if colon is None else colon.end()
        mark = yaml.Mark("", index, 0, 0, "", index)
        return yaml.ScalarEvent(event.anchor, event.tag, event.implicit, event.value, mark, mark, event.style)


def _event(event: Any) -> Any:
    name = type(event).__name__
    marks = event.start_mark, event.end_mark
    if name == "ScalarEvent":
        return yaml.ScalarEvent(event.anchor, event.tag, event.implicit, event.value, *marks, event.style)
    if name == "AliasEvent":
        return yaml.AliasEvent(event.anchor, *marks)
    if name == "DocumentStartEvent":
        return yaml.DocumentStartEvent(*marks, event.explicit, event.version, event.tags)
    if name in _STARTS:
        return _STARTS[name](event.anchor, event.tag, event.implicit, *marks, event.flow_style)
    return _ENDS[name](*marks)
