"""Slot types: from what a customer typed or sent to a value, without a model and without a clock.

A parser gives the value as it lies in the state, or None when the words are no answer:

    text, name, address, url    text
    email, phone                text, the phone number in E.164
    integer, number, rating     number; a rating from 1 to its scale
    money                       {"amount": number, "currency": ISO 4217}
    yes_no                      true or false
    choice, multi_choice        the option's value; a list of values in the order of the options
    date, time, datetime        ISO 8601; a datetime has the offset of the customer's zone
    duration                    seconds
    image, file, voice          {"ref", "name", "type", "size", "caption"}
    location                    {"latitude", "longitude", "label"}

What it gives, it accepts again when it hears it as a value (`strict`). It never raises and is bounded in time.
"""

from bot.flow.slots.kind import Hearing, Labelled, SlotType
from bot.flow.slots.types import TYPES

__all__ = ["TYPES", "Hearing", "Labelled", "SlotType"]
