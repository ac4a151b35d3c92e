"""What the numbers on the wire are called: status codes of SIP, causes of ITU-T Q.850.

Must not know: queries and panels. A code keeps its number beside its name, for whoever writes to a provider.
"""

from __future__ import annotations

from grafana.make.words import Look, Looks

# RFC 3261 §21 and the registry of status codes; shades of the colours of the outcomes they usually stand for.
_STATUS: tuple[tuple[str, str, str], ...] = (
    ("100", "Trying", "#8e8e8e"),
    ("180", "Ringing", "semi-dark-green"),
    ("181", "Being Forwarded", "#8fd3d1"),
    ("182", "Queued", "#37a2a2"),
    ("183", "Session Progress", "light-green"),
    ("199", "Early Dialog Terminated", "#b7b7b7"),
    ("200", "OK", "green"),
    ("202", "Accepted", "super-light-green"),
    ("300", "Multiple Choices", "#b7b7b7"),
    ("301", "Moved Permanently", "#8e8e8e"),
    ("302", "Moved Temporarily", "#8e8e8e"),
    ("400", "Bad Request", "super-light-red"),
    ("401", "Unauthorized", "light-purple"),
    ("403", "Forbidden", "purple"),
    ("404", "Not Found", "yellow"),
    ("405", "Method Not Allowed", "super-light-red"),
    ("406", "Not Acceptable", "super-light-red"),
    ("407", "Proxy Authentication Required", "super-light-purple"),
    ("408", "Request Timeout", "dark-red"),
    ("410", "Gone", "semi-dark-yellow"),
    ("415", "Unsupported Media Type", "super-light-red"),
    ("420", "Bad Extension", "super-light-red"),
    ("422", "Session Interval Too Small", "#b7b7b7"),
    ("433", "Anonymity Disallowed", "dark-purple"),
    ("480", "Temporarily Unavailable", "super-light-blue"),
    ("481", "Call Does Not Exist", "light-red"),
    ("482", "Loop Detected", "light-red"),
    ("483", "Too Many Hops", "light-red"),
    ("484", "Address Incomplete", "light-yellow"),
    ("485", "Ambiguous", "light-yellow"),
    ("486", "Busy Here", "blue"),
    ("487", "Request Terminated", "#37a2a2"),
    ("488", "Not Acceptable Here", "super-light-red"),
    ("489", "Bad Event", "super-light-red"),
    ("491", "Request Pending", "#b7b7b7"),
    ("500", "Server Internal Error", "light-red"),
    ("501", "Not Implemented", "light-red"),
    ("502", "Bad Gateway", "red"),
    ("503", "Service Unavailable", "red"),
    ("504", "Server Time-out", "semi-dark-red"),
    ("505", "Version Not Supported", "light-red"),
    ("513", "Message Too Large", "light-red"),
    ("580", "Precondition Failure", "super-light-red"),
    ("600", "Busy Everywhere", "semi-dark-blue"),
    ("603", "Decline", "light-blue"),
    ("604", "Does Not Exist Anywhere", "dark-yellow"),
    ("606", "Not Acceptable", "super-light-red"),
    ("607", "Unwanted", "dark-purple"),
    ("608", "Rejected", "dark-purple"),
)

STATUS: Looks = {
    "none": Look("No final response", "dark-orange"),
    **{code: Look(f"{code} {name}", colour) for code, name, colour in _STATUS},
}

# How the delay until the first word after the 100 is split: by that word.
PROGRESS: Looks = {
    **{code: STATUS[code] for code in ("180", "181", "182", "183", "199")},
    "final": Look("At once a final response", "blue"),
}

# ITU-T Q.850 §2.2.7, in its own words, shortened.
_CAUSES: tuple[tuple[int, str, str], ...] = (
    (1, "Unallocated number", "yellow"),
    (2, "No route to transit network", "yellow"),
    (3, "No route to destination", "yellow"),
    (16, "Normal clearing", "#8e8e8e"),
    (17, "User busy", "blue"),
    (18, "No user responding", "dark-red"),
    (19, "No answer from user", "dark-blue"),
    (20, "Subscriber absent", "super-light-blue"),
    (21, "Call rejected", "light-blue"),
    (22, "Number changed", "yellow"),
    (26, "Non-selected user clearing", "#8e8e8e"),
    (27, "Destination out of order", "super-light-blue"),
    (28, "Invalid number format", "yellow"),
    (31, "Normal, unspecified", "#b7b7b7"),
    (34, "No circuit available", "orange"),
    (38, "Network out of order", "light-red"),
    (41, "Temporary failure", "light-red"),
    (42, "Switching equipment congestion", "orange"),
    (44, "Requested circuit not available", "orange"),
    (47, "Resource unavailable", "orange"),
    (50, "Facility not subscribed", "purple"),
    (55, "Incoming calls barred", "purple"),
    (57, "Bearer capability not authorized", "purple"),
    (58, "Bearer capability not available", "super-light-red"),
    (65, "Bearer capability not implemented", "super-light-red"),
    (79, "Service not implemented", "super-light-red"),
    (87, "User not member of closed group", "purple"),
    (88, "Incompatible destination", "super-light-red"),
    (102, "Recovery on timer expiry", "semi-dark-red"),
    (127, "Interworking, unspecified", "#b7b7b7"),
)

CAUSES: Looks = {
    **{f"Q.850 {cause}": Look(f"{cause} {name}", colour) for cause, name, colour in _CAUSES},
    "SIP 200": Look("Another phone took it (SIP 200)", "#8e8e8e"),
    "SIP 486": Look("Busy (SIP 486)", "blue"),
    "SIP 487": Look("Request Terminated (SIP 487)", "#37a2a2"),
    "SIP 503": Look("Service Unavailable (SIP 503)", "red"),
    "SIP 600": Look("Busy Everywhere (SIP 600)", "semi-dark-blue"),
    "SIP 603": Look("Decline (SIP 603)", "light-blue"),
}
