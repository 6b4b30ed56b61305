// What the relay's statuses mean for who wants to get in (TCP-10).

/** Those that the page goes by. @enum {number} */
export const Status = {
  ROOM_EXISTS: 1, NO_SUCH_ROOM: 2, WRONG_PASSWORD: 3, NAME_TAKEN: 4, BAD_NAME: 5, ROOM_FULL: 6, TOO_MANY: 7, BUSY: 11,
  SHUTTING_DOWN: 12, SEALED: 13, NO_SEAT: 15,
};

/** Refusals that may be over at the next attempt: a relay restarts, an old self's place becomes free. */
export const PASSING = new Set([
  Status.ROOM_EXISTS, Status.NO_SUCH_ROOM, Status.NAME_TAKEN, Status.ROOM_FULL, Status.TOO_MANY, Status.BUSY,
  Status.SHUTTING_DOWN, Status.NO_SEAT,
]);

/** Refusals of a relay that isn't quite there: these are waited for as long as it takes. */
export const AWAY = new Set([Status.BUSY, Status.SHUTTING_DOWN]);

/** Who lost the place for these must not come back by itself (RES-05). */
export const FINAL = new Set(["abuse", "kicked", "host_left", "resumed_elsewhere"]);

/** A connection that the relay cut for these may take its seat again: it says nothing of the place. */
export const CUT = new Set(["slow", "unanswered", "malformed", "shutdown", "moved"]);
