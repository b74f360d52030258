//! Consumes the event stream: mail and deny marks.
