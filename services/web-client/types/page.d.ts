// The page's own elements, as `document.createElement` makes them.
interface HTMLElementTagNameMap {
  "chat-app": import("../src/web_client/page/js/ui/app.js").ChatApp;
  "member-list": import("../src/web_client/page/js/ui/member-list.js").MemberList;
  "message-composer": import("../src/web_client/page/js/ui/composer.js").MessageComposer;
  "message-list": import("../src/web_client/page/js/ui/message-list.js").MessageList;
  "open-rooms": import("../src/web_client/page/js/ui/open-rooms.js").OpenRooms;
  "room-banner": import("../src/web_client/page/js/ui/banner.js").RoomBanner;
  "room-list": import("../src/web_client/page/js/ui/room-list.js").RoomList;
  "room-view": import("../src/web_client/page/js/ui/room-view.js").RoomView;
  "start-page": import("../src/web_client/page/js/ui/start-page.js").StartPage;
}
