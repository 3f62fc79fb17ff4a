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
from console.exceptions.schedules import (
    BrokerAway,
    InvalidTiming,
    NothingToBackfill,
    NothingToSkip,
    NotStarted,
    OwnerGone,
    TooManyTimes,
    UnknownZone,
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
    "BrokerAway",
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
    "InvalidTiming",
    "ItemFailed",
    "ItemOutcome",
    "KeyReused",
    "LeaseLost",
    "NoDryRun",
    "NoStorage",
    "NotPermitted",
    "NotRepeatable",
    "NotStarted",
    "NothingToBackfill",
    "NothingToRetry",
    "NothingToSkip",
    "ObjectBusy",
    "ObjectHeld",
    "Overtaken",
    "OwnerGone",
    "PreviewOutdated",
    "Retry",
    "RetryRefused",
    "SelectionChanged",
    "SelectionVanished",
    "Skip",
    "StillCollecting",
    "TooManyForAllOrNothing",
    "TooManyTimes",
    "UnknownOperation",
    "UnknownSetting",
    "UnknownZone",
    "UnlawfulTransition",
    "VerbNotLawful",
    "WrongIsolation",
]
