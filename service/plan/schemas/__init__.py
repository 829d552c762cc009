"""What crosses the wire about the plan."""

from service.plan.schemas.clauses import ClauseDetail, ClausePage, MeasureDetail, TaskDetail
from service.plan.schemas.coverage import Coverage
from service.plan.schemas.imports import ImportDetail, ImportPage, ImportReportOut

__all__ = [
    "ClauseDetail",
    "ClausePage",
    "Coverage",
    "ImportDetail",
    "ImportPage",
    "ImportReportOut",
    "MeasureDetail",
    "TaskDetail",
]
