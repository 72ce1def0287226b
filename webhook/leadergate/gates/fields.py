"""The fields of a gate as people write them, by flags or in a YAML file, before anything is made of them."""

from __future__ import annotations

import dataclasses
import difflib
from dataclasses import dataclass
from typing import Any

import yaml


class BadFile(Exception):
    """A file's text holds no fields; each of ``faults`` is a line for people that needs the file's name before it."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Fields:
    """What was given, as text: None, an empty tuple or False when it was not. Flags and files have the same names."""

    lease: str | None = None
    resource: tuple[str, ...] = ()
    mode: str | None = None
    name: str | None = None
    from_: str | None = None
    identity: str | None = None
    suffix: str | None = None
    random: str | None = None
    code: str | None = None
    retry_after: str | None = None
    only_service_account: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    failure_policy: str | None = None
    timeout_seconds: str | None = None
    namespace: tuple[str, ...] = ()
    all_namespaces: bool = False
    service: str | None = None
    url: str | None = None
    account: str | None = None
    inject: str | None = None
    no_inject: bool = False


EXCLUSIVE = (("suffix", "random"), ("service", "url"), ("namespace", "all_namespaces"), ("inject", "no_inject"))
_NUMBERS = ("random", "code", "retry-after", "timeout-seconds")


def name_of(attribute: str) -> str:
    """What a field is called by its users: ``from_`` is ``from``, ``retry_after`` is ``retry-after``."""
    return attribute.rstrip("_").replace("_", "-")


_DEFAULTS: dict[str, Any] = {field.name: field.default for field in dataclasses.fields(Fields)}
_ATTRIBUTES = {name_of(attribute): attribute for attribute in _DEFAULTS}


def overridden(file: Fields, flags: Fields) -> Fields:
    """The file's fields, and in their place the flags that were given.

    A list is replaced as a whole. Of two fields that exclude each other a flag displaces the file's.
    """
    values = {attribute: getattr(file, attribute) for attribute in _DEFAULTS}
    given = {
        attribute: value for attribute in _DEFAULTS if (value := getattr(flags, attribute)) not in (None, (), False)
    }
    for pair in EXCLUSIVE:
        if any(attribute in given for attribute in pair):
            values.update({attribute: _DEFAULTS[attribute] for attribute in pair})
    return Fields(**{**values, **given})


def parse_file(text: str) -> Fields:
    """The fields that a YAML text holds.

    Raises:
        BadFile: it is not YAML, not one mapping, or holds fields or values that there are not.
    """
    pairs = _pairs(text)
    lines: dict[str, int] = {}
    faults: list[str] = []
    values: dict[str, Any] = {}
    for name, line, value in pairs:
        if name not in _ATTRIBUTES:
            faults.append(f"field {name!r} is unknown; {_nearest(name)}")
        elif name in lines:
            faults.append(f"{name} is given twice, on lines {lines[name]} and {line}; leave one out")
        elif fault := _unfit(name, value):
            faults.append(f"{name}: {fault}")
        else:
            values[_ATTRIBUTES[name]] = _plain(_ATTRIBUTES[name], value)
        lines.setdefault(name, line)
    if faults:
        raise BadFile(faults)
    return Fields(**values)


def _pairs(text: str) -> list[tuple[str, int, Any]]:
    """Each key of the mapping with its line and its value. PyYAML's own mapping would hide a key that comes twice."""
    try:
        loader = yaml.SafeLoader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                raise BadFile(["is empty; expected fields such as 'lease: demo/operator-lock'"])
            if not isinstance(node, yaml.MappingNode):
                raise BadFile(["is no mapping of fields to values; expected lines such as 'lease: demo/operator-lock'"])
            return [
                (_key(key), key.start_mark.line + 1, loader.construct_object(value, deep=True))
                for key, value in node.value
            ]
        finally:
            loader.dispose()
    except yaml.YAMLError as fault:
        raise BadFile([f"is not YAML: {_where(fault)}; mend it there"]) from fault
    except RecursionError:
        raise BadFile(["is not YAML: nested too deeply; expected a plain mapping"]) from None
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as fault:
        # PyYAML's constructors raise whatever they stumble over in what looks like a date or a number and is none.
        why = " ".join(str(fault).split())
        raise BadFile([f"is not YAML: a value is not what it looks like ({why}); put it into quotes"]) from fault


def _key(node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise yaml.constructor.ConstructorError(None, None, "a field's name is plain text", node.start_mark)
    return str(node.value)


def _where(fault: yaml.YAMLError) -> str:
    if isinstance(fault, yaml.MarkedYAMLError) and fault.problem_mark is not None:
        mark = fault.problem_mark
        return f"line {mark.line + 1}, column {mark.column + 1}: {fault.problem or fault.context}"
    return " ".join(str(fault).split())


def _unfit(name: str, value: Any) -> str:
    """Why a value is none for this field; empty when it is one."""
    default = _DEFAULTS[_ATTRIBUTES[name]]
    if value is None:
        return "has no value; give one, or leave the line out"
    if default is False:
        return (
            "" if isinstance(value, bool) else f"expected true or false, not {_shown(value)}; write it without quotes"
        )
    if default == ():
        wrong = [item for item in value if not isinstance(item, str)] if isinstance(value, list) else []
        if wrong:
            return f"expected text or a list of texts, not {_shown(wrong[0])} in it; put each item into quotes"
        if isinstance(value, str | list):
            return ""
        return f"expected text or a list of texts, not {_shown(value)}; put it into quotes"
    if name in _NUMBERS:
        whole = isinstance(value, int) and not isinstance(value, bool)
        return "" if whole or isinstance(value, str) else f"expected a whole number, not {_shown(value)}; mend it"
    return "" if isinstance(value, str) else f"expected text, not {_shown(value)}; put it into quotes"


def _plain(attribute: str, value: Any) -> Any:
    if _DEFAULTS[attribute] == ():
        return (value,) if isinstance(value, str) else tuple(value)
    return value if isinstance(value, bool) else str(value)


def _shown(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case list():
            return "a list"
        case dict():
            return "a mapping"
    return repr(value) if isinstance(value, str | int | float) else f"a {type(value).__name__}"


def _nearest(name: str) -> str:
    near = difflib.get_close_matches(name.lower(), _ATTRIBUTES, n=1)
    return f"the nearest is {near[0]!r}" if near else f"the fields are {', '.join(_ATTRIBUTES)}"
