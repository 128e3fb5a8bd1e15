"""The operator's pages."""

from django.urls import path

from operations.views import acting, audit, requests, services, subscribers

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
    path("requests/", requests.requests, name="requests"),
    path("requests/<int:request_id>/settle/", requests.settle, name="settle"),
    path("requests/<int:request_id>/decline/", requests.decline, name="decline"),
]
