"""Look for what scores may owe to other things than skill: leaks, giveaways, shifts."""

from pipeline.audit.checks import Promises, audit_run
from pipeline.audit.coded import Coded
from pipeline.audit.findings import Finding, Severity, worst

__all__ = ["Coded", "Finding", "Promises", "Severity", "audit_run", "worst"]
