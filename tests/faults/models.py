"""What the faulty operations work on."""

from __future__ import annotations

from django.db import models


class Item(models.Model):
    """A thing that counts how often it was done."""

    name = models.CharField(max_length=40)
    count = models.IntegerField(default=0)

    def __str__(self) -> str:
        return self.name
