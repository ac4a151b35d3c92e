"""The status codes that IANA has registered for SIP (sip-parameters, "Response Codes").

Must not know: what any of them means. Strangers may send any number: what is not in this list is no label of a metric.
"""

from __future__ import annotations

from typing import Final

REGISTERED_CODES: Final = frozenset(
    {
        *(100, 180, 181, 182, 183, 199),
        *(200, 202, 204),
        *(300, 301, 302, 305, 380),
        *(400, 401, 402, 403, 404, 405, 406, 407, 408, 410, 412, 413, 414, 415, 416, 417, 420, 421, 422, 423, 424, 425),
        *(428, 429, 430, 433, 436, 437, 438, 439, 440, 469, 470, 480, 481, 482, 483, 484, 485, 486, 487, 488, 489),
        *(491, 493, 494),
        *(500, 501, 502, 503, 504, 505, 513, 555, 580),
        *(600, 603, 604, 606, 607, 608),
    }
)
