"""Values of the command line, without pydantic: typer asks it to read each argument, and importing
it takes a third of chatctl's start."""

import os
import re
from enum import Enum
from pathlib import Path
from typing import Any, get_args

import typer
from typer._click import Context
from typer._coercion import RuntimeParam
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption
from typer.models import ParameterInfo

_NUMBERS = {int: re.compile(r"[+-]?[0-9]{1,19}"), float: re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")}


def read_plainly(command: TyperCommand | TyperGroup, above: typer.Context | None = None) -> None:
    """Have the parameters of ``command`` and of all commands below it read here. It uses a private
    part of typer: where a later typer does without, pydantic reads them as before."""
    context = typer.Context(command, parent=above)
    for parameter in command.get_params(context):
        if isinstance(parameter, TyperArgument | TyperOption):
            descriptor = parameter.type_descriptor
            parameter._runtime_param = _PlainValue(descriptor.parameter_info, descriptor.annotation)
    for below in command.commands.values() if isinstance(command, TyperGroup) else ():
        assert isinstance(below, TyperCommand | TyperGroup)
        read_plainly(below, context)


class _PlainValue(RuntimeParam):
    """A value of a plain kind as it is, any other by typer's own way: so is one that is refused,
    for typer says why."""

    def _coerce_value(self, value: Any, param: Any, ctx: Context) -> Any:
        try:
            return self._read(value)
        except ValueError:
            param._runtime_param = None  # typer makes its own
            return param.get_runtime_param().coerce(value, param, ctx)

    def _read(self, value: Any) -> Any:
        """Raises ValueError for all that is not plain, or not right."""
        if str(self.annotation).startswith("list[") and isinstance(value, list | tuple):
            return [self._read_one(one, get_args(self.annotation)[0]) for one in value]
        return self._read_one(value, self.annotation)

    def _read_one(self, value: Any, kind: Any) -> Any:
        info = self.parameter_info
        if info.parser is not None:
            return info.parser(value)
        if isinstance(kind, type) and issubclass(kind, Enum) and info.case_sensitive:
            return kind(value)
        if kind in (str, bool) and type(value) is kind:
            return value
        if kind in _NUMBERS and (type(value) in (int, kind) or _NUMBERS[kind].fullmatch(str(value))):
            number = kind(value)
            if not (info.min is None or info.min <= number) or not (info.max is None or number <= info.max):
                raise ValueError
            return number
        if kind is Path and isinstance(value, str | Path) and _is_any_file(value, info):
            return Path(value)
        raise ValueError


def _is_any_file(path: str | Path, info: ParameterInfo) -> bool:
    """True if there is nothing that typer would check or change."""
    asked = info.exists or info.resolve_path or info.writable or not (info.file_okay and info.dir_okay)
    return not asked and (not os.path.exists(path) or os.access(path, os.R_OK))
