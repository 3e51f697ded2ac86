"""The graph as declarations. Modules of one noun each; types that refer to each other are linked here.

A type names its neighbours by their bare names. The modules import them for the type checker only, since the graph is a
cycle by nature; when all are loaded, each module is given the names that it lacks.
"""

from __future__ import annotations

from types import ModuleType

from engine.records import Record
from schema import auth_set, deployment, group, organization, ota, profile, release, signing, thing, user, viewer

_MODULES: tuple[ModuleType, ...] = (
    auth_set,
    deployment,
    group,
    organization,
    ota,
    profile,
    release,
    signing,
    thing,
    user,
    viewer,
)


def _link() -> None:
    """Give every module of the graph the record types of the others."""
    types = {
        name: value
        for module in _MODULES
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, Record) and value.__module__ == module.__name__
    }
    for module in _MODULES:
        for name, kind in types.items():
            vars(module).setdefault(name, kind)


_link()
