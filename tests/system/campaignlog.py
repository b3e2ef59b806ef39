# SPDX-License-Identifier: Apache-2.0
"""A campaign as the registry hears of it (SPEC 30.6): rotad takes no proof of one that nobody told of (35.4)."""
import json


def request(campaign, generation=1, purpose="telemetry", **members):
    """The first record of a campaign, as an object; `campaign` is its id in hex."""
    return {"activation": 1800000000, "by": "ann", "campaign": campaign, "did": "requested", "emergency": False, "expected": 5,
            "generation": generation, "name": "autumn", "overlap_s": 0, "product": "sensor", "purpose": purpose, "why": "as asked"} | members


def record(*words, **members):
    """The same for journalfile.write()."""
    return 7, bytes(32), json.dumps(request(*words, **members), sort_keys=True, separators=(",", ":")).encode()


def tell(desk, *words, **members):
    """Told to a rotad over its operators' socket (Desk of test_server_operators.py)."""
    status, said = desk.post("/v1/record/campaign", request(*words, **members))
    assert status == 200, said
