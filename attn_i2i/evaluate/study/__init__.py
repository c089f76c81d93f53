"""A study with people: a page on which raters choose, and what their answers say."""

from .answers import Answer as Answer
from .answers import Answers as Answers
from .answers import read_answers as read_answers
from .make import StudyOptions as StudyOptions
from .make import make_study as make_study
from .result import Preference as Preference
from .result import StudyResult as StudyResult
from .result import analyse as analyse
from .result import result_json as result_json
from .result import result_text as result_text
from .result import study_result as study_result
from .statistics import Interval as Interval
