"""The operator's pages."""

from django.urls import path

from operations.views import acting, audit, line_check, lines, requests, services, staff, subscribers

app_name = "operator"
urlpatterns = [
    path("", subscribers.subscribers, name="subscribers"),
    path("new/", subscribers.new_subscriber, name="new_subscriber"),
    path("subscribers/<int:subscriber_id>/", subscribers.subscriber, name="subscriber"),
    path("subscribers/<int:subscriber_id>/edit/", subscribers.edit_subscriber, name="edit_subscriber"),
    path("subscribers/<int:subscriber_id>/services/", services.switch, name="switch"),
    path("subscribers/<int:subscriber_id>/people/<int:user_id>/second-step/", services.reset_step, name="reset_step"),
    path("subscribers/<int:subscriber_id>/act-as/", acting.act_as, name="act_as"),
    path("end-acting/", acting.stop_acting, name="stop_acting"),
    path("log/", audit.audit, name="audit"),
    path("staff/", staff.staff, name="staff"),
    path("staff/<int:user_id>/deactivate/", staff.deactivate, name="staff_deactivate"),
    path("staff/<int:user_id>/reactivate/", staff.reactivate, name="staff_reactivate"),
    path("staff/<int:user_id>/second-step/", staff.reset_step, name="staff_reset_step"),
    path("lines/", lines.lines, name="lines"),
    path("lines/new/", lines.new_line, name="new_line"),
    path("lines/<int:line_id>/", lines.line, name="line"),
    path("lines/<int:line_id>/people/", lines.line_people, name="line_people"),
    path("lines/<int:line_id>/release/", lines.line_release, name="line_release"),
    path("lines/<int:line_id>/address/", lines.line_address, name="line_address"),
    path("lines/<int:line_id>/secret/", lines.line_secret, name="line_secret"),
    path("lines/<int:line_id>/health/", lines.health, name="line_health"),
    path("lines/<int:line_id>/check/", line_check.line_check, name="line_check"),
    path("lines/<int:line_id>/check/webhooks/", line_check.line_webhooks, name="line_webhooks"),
    path("lines/<int:line_id>/check/test/", line_check.line_test, name="line_test"),
    path("requests/", requests.requests, name="requests"),
    path("requests/<int:request_id>/settle/", requests.settle, name="settle"),
    path("requests/<int:request_id>/decline/", requests.decline, name="decline"),
]
