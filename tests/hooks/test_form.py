"""The connection forms as Airflow finds them: by the hook's own attributes before 3.2, later by what is declared.

Whatever answers the user interface is asked here, in a process of its own: Airflow 3 puts stand-ins in the place of the
form library while it looks, and remembers what it found.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from airflow_provider_callkaro.vendors.known import VENDORS
from airflow_provider_callkaro.vendors.profile import VendorProfile

ASKED_BY_THE_USER_INTERFACE = """
import json

try:
    from airflow.api_fastapi.core_api.services.ui.connections import HookMetaService
except ImportError:  # Airflow 2
    from airflow.providers_manager import ProvidersManager

    manager = ProvidersManager()
    forms = {}
    for name, widget in manager.connection_form_widgets.items():
        fields = forms.setdefault(name.split("__")[1], {})
        field = widget.field
        words = str(field.args[0]), str(field.kwargs.get("description"))
        fields[widget.field_name] = [*words, field.field_class.__name__]
    names = {
        kind: {
            "hidden": behaviour.get("hidden_fields", []),
            "titles": {name: str(title) for name, title in behaviour.get("relabeling", {}).items()},
        }
        for kind, behaviour in manager.field_behaviours.items()
    }
else:
    forms, names = {}, {}
    for hook in HookMetaService.hook_meta_data():
        forms[hook.connection_type] = {
            name: [
                field["schema"]["title"],
                field["description"] or field["schema"].get("description"),
                "PasswordField" if field["schema"].get("format") == "password" else "StringField",
            ]
            for name, field in (hook.extra_fields or {}).items()
        }
        shown = hook.standard_fields.model_dump(by_alias=True) if hook.standard_fields else {}
        names[hook.connection_type] = {
            "hidden": [name.replace("url_", "") for name, field in shown.items() if field and field["hidden"]],
            "titles": {name: field["title"] for name, field in shown.items() if field and field["title"]},
        }
print(json.dumps({"forms": forms, "names": names}))
"""


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    """The forms and the names of the common fields, by connection type, in a new Airflow process."""
    done = subprocess.run(
        [sys.executable, "-c", ASKED_BY_THE_USER_INTERFACE], capture_output=True, text=True, check=True
    )
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.connection_type)
def test_airflow_shows_every_extra_field(found: dict[str, Any], vendor: VendorProfile) -> None:
    shown = found["forms"].get(vendor.connection_type, {})
    assert shown == {
        name: [
            field["label"],
            field["description"],
            "PasswordField" if field["schema"].get("format") == "password" else "StringField",
        ]
        for name, field in vendor.fields.items()
    }


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.connection_type)
def test_airflow_names_and_hides_the_common_fields(found: dict[str, Any], vendor: VendorProfile) -> None:
    shown = found["names"].get(vendor.connection_type)
    assert shown is not None
    assert (set(shown["hidden"]), shown["titles"]) == (set(vendor.hidden_fields), vendor.form["relabeling"])
