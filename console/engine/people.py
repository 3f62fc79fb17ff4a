"""Who may ask for something: for type annotations only, since projects bring their own user model."""

from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.models import User as AuthUser

User = AuthUser | AnonymousUser
