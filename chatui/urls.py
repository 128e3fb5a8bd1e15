from django.urls import path

from chatui import live
from chatui.views import canned, chat, compose, history, people, phonebook, teamwork

urlpatterns = [
    path("", chat.chat, name="chat"),
    path("conversations/rows/", chat.rows, name="rows"),
    path("conversations/counts/", chat.counts, name="counts"),
    path("conversations/<int:conversation_id>/", chat.conversation, name="conversation"),
    path("conversations/<int:conversation_id>/entries/", chat.entries, name="entries"),
    path("conversations/<int:conversation_id>/send/", compose.send, name="send"),
    path("conversations/<int:conversation_id>/note/", compose.note, name="note"),
    path("conversations/<int:conversation_id>/draft/", compose.draft, name="draft"),
    path("conversations/<int:conversation_id>/canned/", canned.picker, name="canned"),
    path("conversations/<int:conversation_id>/claim/", teamwork.claim, name="claim"),
    path("conversations/<int:conversation_id>/assign/", teamwork.assign, name="assign"),
    path("conversations/<int:conversation_id>/colleagues/", teamwork.colleagues, name="colleagues"),
    path("conversations/<int:conversation_id>/done/", teamwork.done, name="done"),
    path("conversations/<int:conversation_id>/reopen/", teamwork.reopen, name="reopen"),
    path("conversations/<int:conversation_id>/read/", teamwork.read, name="read"),
    path("conversations/<int:conversation_id>/unread/", teamwork.unread, name="unread"),
    path("live/", live.catch_up, name="live"),
    path("messages/", history.messages, name="messages"),
    path("messages/new/", compose.new_message, name="new_message"),
    path("messages/new/lookup/", compose.lookup, name="lookup"),
    path("messages/<uuid:uuid>/retry/", compose.retry, name="retry"),
    path("messages/<uuid:uuid>/discard/", compose.discard, name="discard"),
    path("phonebook/<int:contact_id>/", phonebook.contact, name="contact"),
    path("settings/", people.settings, name="settings"),
    path("settings/canned-texts/", canned.add, name="canned_add"),
    path("settings/canned-texts/<int:text_id>/", canned.change, name="canned_change"),
    path("settings/canned-texts/<int:text_id>/delete/", canned.delete, name="canned_delete"),
    path("keys/", people.keys, name="keys"),
    path("language/", people.language, name="language"),
    path("login/", people.LogIn.as_view(), name="login"),
    path("logout/", people.LogOut.as_view(), name="logout"),
]
