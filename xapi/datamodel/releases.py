"""Releases in order, and the versions of API and database schema they brought."""

from xapi.datamodel.model import Release

API_VERSION = "2.23"
API_VERSION_VENDOR = "XenSource"
SCHEMA_VERSION = "5.909"

RELEASES: tuple[Release, ...] = (
    Release("1.1", "XenServer 4.0", "rio", "August 2007"),
    Release("1.2", "XenServer 4.1", "miami", "March 2008"),
    Release("1.2", "XenServer 4.1.1", "symc", ""),
    Release("1.3", "XenServer 5.0", "orlando", "September 2008"),
    Release("1.3", "XenServer 5.0 Update 1", "orlando-update-1", ""),
    Release("1.4", "Unreleased", None, None),
    Release("1.5", "XenServer 5.0 update 3", None, "September 2008"),
    Release("1.6", "XenServer 5.5", "george", "June 2009"),
    Release("1.7", "XenServer 5.6", "midnight-ride", "May 2010"),
    Release("1.8", "XenServer 5.6 FP1", "cowley", "December 2010"),
    Release("1.9", "XenServer 6.0", "boston", "September 2011"),
    Release("1.10", "XenServer 6.1", "tampa", "September 2012"),
    Release("2.0", "XenServer 6.2", "clearwater", "June 2013"),
    Release("2.0", "XenServer 6.2 SP1 Tech-Preview", "vgpu-tech-preview", ""),
    Release("2.1", "XenServer 6.2 SP1", "vgpu-productisation", "December 2013"),
    Release("2.2", "XenServer 6.2 SP1 Hotfix 4", "clearwater-felton", "April 2014"),
    Release("2.2", "XenServer 6.2 SP1 Hotfix 11", "clearwater-whetstone", "October 2014"),
    Release("2.3", "XenServer 6.5", "creedence", "January 2015"),
    Release("2.4", "XenServer 6.5 SP1", "cream", "May 2015"),
    Release("2.4", "XenServer 6.5 SP1 Hotfix 31", "indigo", "December 2015"),
    Release("2.5", "XenServer 7.0", "dundee", "May 2016"),
    Release("2.6", "XenServer 7.1", "ely", "February 2017"),
    Release("2.7", "XenServer 7.2", "falcon", "May 2017"),
    Release("2.8", "XenServer 7.3", "inverness", "December 2017"),
    Release("2.9", "XenServer 7.4", "jura", "February 2018"),
    Release("2.10", "XenServer 7.5", "kolkata", "May 2018"),
    Release("2.11", "XenServer 7.6", "lima", "September 2018"),
    Release("2.12", "Citrix Hypervisor 8.0", "naples", "March 2019"),
    Release("2.13", "Unreleased", "oslo", None),
    Release("2.14", "Citrix Hypervisor 8.1", "quebec", "December 2019"),
    Release("2.15", "Citrix Hypervisor 8.2", "stockholm", "June 2020"),
    Release("2.15", "Citrix Hypervisor 8.2 Hotfix 2", "stockholm_psr", "November 2020"),
    Release("2.20", "XenServer 8 Preview", "nile-preview", "August 2023"),
    Release("2.21", "XenServer 8", "nile", None),
    Release("2.23", "XenServer 9", "orinoco", None),
)

# Since these, a release is named by its number.
NUMBERED_RELEASES: tuple[str, ...] = (
    "1.250.0", "1.257.0", "1.271.0", "1.290.0", "1.294.0", "1.295.0", "1.297.0", "1.298.0", "1.301.0", "1.303.0",
    "1.304.0", "1.307.0", "1.313.0", "1.318.0", "1.320.0", "1.329.0", "21.2.0", "21.3.0", "21.4.0", "22.5.0", "22.12.0",
    "22.16.0", "22.19.0", "22.20.0", "22.26.0", "22.27.0", "22.33.0", "22.37.0", "23.1.0", "23.9.0", "23.14.0",
    "23.18.0", "23.24.0", "23.25.0", "23.27.0", "23.30.0", "24.0.0", "24.3.0", "24.10.0", "24.14.0", "24.15.0",
    "24.17.0", "24.19.0", "24.19.1", "24.20.0", "24.23.0", "24.28.0", "24.31.0", "24.35.0", "24.37.0", "24.40.0",
    "25.2.0", "25.6.0", "25.7.0", "25.8.0", "25.13.0", "25.15.0", "25.16.0", "25.17.0", "25.21.0", "25.22.0", "25.24.0",
    "25.27.0", "25.31.0", "25.34.0", "25.38.0-next", "26.0.0", "26.1.0", "26.2.0", "26.6.0", "26.13.0", "26.14.0",
    "26.15.0", "26.16.0", "26.16.1", "26.16.1-next", "26.17.0",
)

# Release -> the schema version it shipped with.
SCHEMA_HISTORY: dict[str, str] = {
    "rio": "5.19",
    "miami": "5.35",
    "orlando": "5.55",
    "george": "5.57",
    "midnight-ride": "5.60",
    "cowley": "5.61",
    "boston": "5.63",
    "tampa": "5.66",
    "clearwater": "5.67",
    "vgpu-tech-preview": "5.68",
    "vgpu-productisation": "5.69",
    "clearwater-felton": "5.70",
    "clearwater-whetstone": "5.71",
    "creedence": "5.72",
    "cream": "5.73",
    "indigo": "5.74",
    "dundee-tech-preview": "5.91",
    "dundee": "5.93",
    "ely": "5.108",
    "falcon": "5.120",
    "inverness": "5.133",
    "jura": "5.134",
    "kolkata": "5.142",
    "lima": "5.203",
    "naples": "5.400",
    "quebec": "5.504",
    "stockholm": "5.601",
    "yangtze": "5.602",
    "nile": "5.775",
}

TECH_PREVIEW_SCHEMAS: tuple[str, ...] = ("5.68", "5.91")
