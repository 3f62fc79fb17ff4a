"""Models of every shape that an operation may meet."""

from __future__ import annotations

import uuid

from django.contrib.contenttypes.fields import GenericForeignKey, GenericRelation
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower, Now, Upper


def secret() -> str:
    """Return a default that only Python can make."""
    return uuid.uuid4().hex


class Label(models.Model):
    """What others refer to."""

    name = models.CharField(max_length=40)

    def __str__(self) -> str:
        return self.name


class Shown(models.Manager["Article"]):
    """Hides what is hidden."""

    def get_queryset(self) -> models.QuerySet[Article]:
        """Return the articles that are not hidden."""
        return super().get_queryset().filter(hidden=False)


class Article(models.Model):
    """Foreign keys, relations of all kinds, unique and automatic fields, odd names, a manager that hides rows."""

    title = models.CharField(max_length=30)
    slug = models.SlugField(max_length=16, unique=True, db_column="Slug of it")
    code = models.CharField(max_length=20, null=True, unique=True)  # noqa: DJ001
    public_id = models.UUIDField(default=uuid.uuid4, unique=True)
    section = models.CharField(max_length=10, default="news")
    position = models.IntegerField(default=0)
    data = models.JSONField(default=dict)
    price = models.DecimalField(max_digits=8, decimal_places=2, null=True)
    paper = models.FileField(upload_to="papers", blank=True)
    hidden = models.BooleanField(default=False)
    seen_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=10, db_default="new")
    made_at = models.DateTimeField(db_default=Now())
    created = models.DateTimeField(auto_now_add=True)
    updated = models.DateTimeField(auto_now=True)
    day = models.DateField(auto_now=True)
    shout = models.GeneratedField(
        expression=Upper("title"), output_field=models.CharField(max_length=30), db_persist=True
    )
    label = models.ForeignKey(Label, models.PROTECT, null=True)
    parent = models.ForeignKey("self", models.SET_NULL, null=True)
    labels = models.ManyToManyField(Label, related_name="labelled")
    ranked = models.ManyToManyField(Label, through="Rank", related_name="ranked")
    friends = models.ManyToManyField("self")
    after = models.ManyToManyField("self", symmetrical=False)

    stickers = GenericRelation("testapp.Sticker", object_id_field="target_id", content_type_field="target_type")

    objects = Shown()

    class Meta:
        db_table = "odd Table"
        constraints = (
            models.UniqueConstraint(fields=("label", "title"), name="title_of_label"),
            models.UniqueConstraint(Lower("title"), F("section"), condition=Q(hidden=True), name="title_of_hidden"),
        )

    def __str__(self) -> str:
        return self.title


class Sticker(models.Model):
    """Sticks to anything."""

    target_type = models.ForeignKey(ContentType, models.CASCADE, db_constraint=False)
    target_id = models.CharField(max_length=40)
    target = GenericForeignKey("target_type", "target_id")
    text = models.CharField(max_length=40)

    def __str__(self) -> str:
        return self.text


class Rank(models.Model):
    """An explicit table between articles and labels."""

    article = models.ForeignKey(Article, models.CASCADE)
    label = models.ForeignKey(Label, models.CASCADE)
    rank = models.IntegerField()
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        unique_together = (("article", "label"),)

    def __str__(self) -> str:
        return str(self.rank)


class Chapter(models.Model):
    """A child with a unique field of its own, and a UUID for a key."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    article = models.ForeignKey(Article, models.CASCADE, related_name="chapters")
    name = models.CharField(max_length=20)
    anchor = models.CharField(max_length=30, unique=True)

    class Meta:
        unique_together = (("article", "name"),)

    def __str__(self) -> str:
        return self.name


class Remark(models.Model):
    """A child that refers to its article by a unique field other than the key."""

    article = models.ForeignKey(Article, models.CASCADE, to_field="slug")
    text = models.TextField()

    def __str__(self) -> str:
        return self.text


class Vote(models.Model):
    """A child whose key consists of several fields."""

    pk = models.CompositePrimaryKey("article", "voter")
    article = models.ForeignKey(Article, models.CASCADE, related_name="votes")
    voter = models.IntegerField()
    points = models.IntegerField(default=0)

    def __str__(self) -> str:
        return str(self.points)


class Summary(models.Model):
    """A child of which each article has one."""

    article = models.OneToOneField(Article, models.CASCADE, primary_key=True, related_name="summary")
    text = models.TextField()

    def __str__(self) -> str:
        return self.text


class Token(models.Model):
    """A key that is a UUID, and a child of such."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=40, unique=True)
    labels = models.ManyToManyField(Label)
    stickers = GenericRelation(Sticker, object_id_field="target_id", content_type_field="target_type")

    def __str__(self) -> str:
        return self.name


class Word(models.Model):
    """A key that is a text, and a unique default that only Python can make."""

    word = models.CharField(max_length=30, primary_key=True)
    secret = models.CharField(max_length=32, unique=True, default=secret)
    labels = models.ManyToManyField(Label)

    def __str__(self) -> str:
        return self.word


class Place(models.Model):
    """A parent with a table of its own."""

    name = models.CharField(max_length=40, unique=True)
    labels = models.ManyToManyField(Label)

    def __str__(self) -> str:
        return self.name


class Restaurant(Place):
    """Inherits a table."""

    stars = models.IntegerField(default=0)
    changed = models.DateTimeField(auto_now=True)


class Pizzeria(Restaurant):
    """Inherits two tables."""

    oven = models.CharField(max_length=40, unique=True)


class Garden(models.Model):
    """Another parent."""

    garden_id = models.BigAutoField(primary_key=True)
    trees = models.IntegerField()

    def __str__(self) -> str:
        return str(self.trees)


class BeerGarden(Place, Garden):
    """Inherits from two models."""

    beers = models.IntegerField()


class Dish(models.Model):
    """A child of an inherited model."""

    restaurant = models.ForeignKey(Restaurant, models.CASCADE, related_name="dishes")
    name = models.CharField(max_length=40)

    def __str__(self) -> str:
        return self.name


class NiceArticle(Article):
    """A proxy."""

    class Meta:
        proxy = True


class Passport(models.Model):
    """A one-to-one relation that a copy cannot share."""

    article = models.OneToOneField(Article, models.CASCADE, null=True, related_name="passport")
    number = models.IntegerField(unique=True, null=True)

    def __str__(self) -> str:
        return str(self.number)


class Invoice(models.Model):
    """What keeps a label from being deleted in its own way."""

    label = models.ForeignKey(Label, models.RESTRICT, related_name="invoices")

    class Meta:
        verbose_name = "invoice"
        verbose_name_plural = "invoices"

    def __str__(self) -> str:
        return f"invoice {self.pk}"
