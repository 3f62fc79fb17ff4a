"""Every error of the console. A message names what happened, why, and what to do; staff may read it as it is."""

from console.exceptions.base import ConsoleError
from console.exceptions.declared import InvalidOperation, NoStorage, UnknownSetting
from console.exceptions.files import FileEmpty, FileGone, FileTooLarge
from console.exceptions.imports import PreviewOutdated, TooManyForAllOrNothing
from console.exceptions.items import ItemFailed, ItemOutcome, LeaseLost, Overtaken, Retry, Skip
from console.exceptions.objects import ObjectBusy, ObjectHeld, WrongIsolation
from console.exceptions.requests import (
    CountNotTyped,
    EmptySelection,
    FormExpired,
    HoldConflict,
    InvalidParameters,
    KeyReused,
    NoDryRun,
    NotPermitted,
    SelectionChanged,
    SelectionVanished,
    UnknownOperation,
)
from console.exceptions.verbs import (
    AlreadyReached,
    NothingToRetry,
    NotRepeatable,
    RetryRefused,
    StillCollecting,
    UnlawfulTransition,
    VerbNotLawful,
)

__all__ = [
    "AlreadyReached",
    "ConsoleError",
    "CountNotTyped",
    "EmptySelection",
    "FileEmpty",
    "FileGone",
    "FileTooLarge",
    "FormExpired",
    "HoldConflict",
    "InvalidOperation",
    "InvalidParameters",
    "ItemFailed",
    "ItemOutcome",
    "KeyReused",
    "LeaseLost",
    "NoDryRun",
    "NoStorage",
    "NotPermitted",
    "NotRepeatable",
    "NothingToRetry",
    "ObjectBusy",
    "ObjectHeld",
    "Overtaken",
    "PreviewOutdated",
    "Retry",
    "RetryRefused",
    "SelectionChanged",
    "SelectionVanished",
    "Skip",
    "StillCollecting",
    "TooManyForAllOrNothing",
    "UnknownOperation",
    "UnknownSetting",
    "UnlawfulTransition",
    "VerbNotLawful",
    "WrongIsolation",
]
