"""The connection form before Airflow 3.2, which asks the hook for it. Later versions read it from the provider info."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_callkaro.vendors.profile import ConnectionField


def widgets(fields: Mapping[str, ConnectionField]) -> dict[str, Any]:
    """The fields as form widgets, for the hook's ``get_connection_form_widgets``."""
    from wtforms import PasswordField, StringField
    from wtforms.validators import Optional

    text_look, password_look = _looks()

    def widget(field: ConnectionField) -> Any:
        is_secret = field["schema"].get("format") == "password"
        kind, look = (PasswordField, password_look) if is_secret else (StringField, text_look)
        return kind(field["label"], widget=look, validators=[Optional()], description=field["description"])

    return {name: widget(field) for name, field in fields.items()}


def _looks() -> tuple[Any, Any]:
    """How Airflow 2 draws a text and a password; Airflow 3 draws both itself and may have no Flask-AppBuilder."""
    try:
        from flask_appbuilder.fieldwidgets import BS3PasswordFieldWidget, BS3TextFieldWidget
    except ImportError:
        return None, None
    return BS3TextFieldWidget(), BS3PasswordFieldWidget()


def behaviour(form: Mapping[str, object]) -> dict[str, Any]:
    """The form in the spelling of the hook's ``get_ui_field_behaviour``."""
    return {name.replace("-", "_"): value for name, value in form.items()}
