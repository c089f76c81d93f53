"""A page that runs exported graphs in a browser, by onnxruntime-web, from any web server."""

from .folder import check_shown as check_shown
from .folder import write_page as write_page
from .runtime import web_runtime as web_runtime
