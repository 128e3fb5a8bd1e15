/* The page's scripts. Each module owns one behaviour and finds its elements by data- attributes. */
import "./times.js";
import "./list.js";
import "./thread.js";
import "./composer.js";
import "./canned.js";
import "./acts.js";
import "./dialog.js";
import "./notices.js";
import "./keys.js";
import "./history.js";
import "./copy.js";
import "./rowmenu.js";
import "./failures.js";
import "./filter.js";
import "./exports.js";
import "./imports.js";
import "./phonebook.js";
import "./rules.js";
import "./calls.js";
import "./told.js";
import "./tabs.js";
import { connect } from "./socket.js";

// The operator's own pages have nothing live.
if (document.body.dataset.live) connect();
