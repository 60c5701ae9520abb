"""`map_location`: on which device tensors are after loading."""

from __future__ import annotations

from typing import Any

from ..arrays import devices
from ..arrays.dtypes import device
from ..tensors.tensor import Tensor


def goal(location: Any) -> device:
    """The device that `map_location` asks for; a function or a dict can ask for the CPU alone."""
    if location is None or callable(location):
        return devices.chosen("cpu")
    for wanted in location.values() if isinstance(location, dict) else (location,):
        if not isinstance(wanted, (str, device)):
            raise TypeError(f"load: map_location: expected a device, its name, a dict or a function, got {wanted!r}")
        place = device(wanted).type
        if place != "cpu" and isinstance(location, dict):
            raise RuntimeError(
                f"load: map_location: expected a dict whose values are 'cpu', got '{place}': which device a tensor was "
                f"saved on is not looked at; map_location='{place}' brings all of them there"
            )
    return devices.chosen("cpu" if isinstance(location, dict) else location)


def move(loaded: Any, place: device) -> None:
    """Bring every tensor inside `loaded` to a device; what is one object stays one."""
    if place.type == "cpu":
        return
    # Each object once: a file can name one list a million times.
    waiting, seen = [loaded], set()
    while waiting:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, Tensor):
            value.data = value.data.to(place)
        elif isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, (list, tuple)):
            waiting.extend(value)
