// What the page's parts tell each other.
declare namespace Chat {
  /** What the relay sends after a join (STR-03). */
  type FromRelay =
    | { kind: "entry"; seq: number; from: string; text: string }
    | { kind: "notice"; seq: number | undefined; notice: string; fields: Record<string, unknown> }
    | { kind: "took"; n: number; seq: number | undefined }
    | { kind: "refused"; n: number; reason: string; message: string }
    | { kind: "gone"; count: number | null }
    | { kind: "bye"; reason: string; message: string; banned: boolean }
    | { kind: "ping"; number: number }
    | { kind: "pong"; number: number }
    | { kind: "unknown" };

  interface Granted {
    status: 0;
    host: boolean;
    ticket: string;
    epoch: string;
    seq: number;
    /** 0 if the relay doesn't say. */
    maxMessageBytes: number;
    moderation: boolean;
    sealed: boolean;
    /** The page's address as the relay tells it (WEB-05); empty if it doesn't. */
    web: string;
  }

  interface Refused {
    status: number;
    /** The relay's sentence; empty if it says no more than the status. */
    message: string;
    /** Why exactly, under `code` (FEAT-04). */
    fields: Record<string, unknown>;
    banned: boolean;
  }

  type Answer = Granted | Refused;

  interface JoinFields {
    room: string;
    name: string;
    password: string | null;
    create: boolean;
    sealed: boolean;
    resume: string | null;
    epoch: string | null;
    heard: number | null;
    attempt: string;
    features: string[];
  }

  /** What a person wants to enter. */
  interface Wish {
    room: string;
    name: string;
    password: string;
    create: boolean;
    /** The key of a sealed room; empty if it isn't sealed. */
    key: string;
  }

  /** By what a page that is loaded again takes its seat again (RES-01, STR-05). */
  interface Seat {
    ticket: string;
    epoch: string;
    heard: number;
    host: boolean;
    limit: number;
  }

  interface Letter {
    /** As the room's history knows it. */
    id: number;
    /** 0 while it waits. */
    n: number;
    text: string;
    command: boolean;
  }

  interface Invitation {
    host: string;
    room: string;
    key: string;
    /** The address of the page that it leads to; empty if it is for the other apps. */
    page: string;
  }

  interface Part {
    look: "plain" | "link" | "mention" | "code" | "block" | "quote";
    text: string;
  }

  interface Person {
    name: string;
    host: boolean;
    muted: boolean;
    away: boolean;
  }

  /** A line of a room's history. */
  interface Entry {
    id: number;
    kind: "message" | "own" | "event" | "info" | "problem";
    from: string;
    text: string;
    /** In milliseconds since 1970. */
    at: number;
    /** Its place in the room's numbering; 0 if it has none, or none yet. */
    seq: number;
    mention?: boolean;
    /** How one's own message fares. */
    state?: "sending" | "taken" | "lost";
    why?: string;
  }

  /** Two sentences: what happened, and what one can do. */
  interface Words {
    what: string;
    todo: string;
  }

  type State =
    | { is: "connecting" }
    | { is: "in" }
    /** Trying again at a time, in milliseconds since 1970. */
    | { is: "waiting"; words: Words; at: number; attempt: number }
    | { is: "ended"; words: Words; status: number; may: "join" | "create" | "password" | "name" | "nothing" };

  interface ListedRoom {
    name: string;
    members: number;
    password: boolean;
    sealed: boolean;
    topic: string;
  }

  interface Recent {
    room: string;
    name: string;
  }

  /** The part of a WebSocket that a connection needs. */
  interface Socket {
    onopen: ((event: any) => void) | null;
    onmessage: ((event: any) => void) | null;
    onclose: ((event: any) => void) | null;
    send(text: string): void;
    close(): void;
  }

  /** What a session needs of the world around it; tests have another one. */
  interface World {
    openSocket(): Socket;
    now(): number;
    setTimer(then: () => void, milliseconds: number): number;
    clearTimer(timer: number): void;
    random(): number;
    nonce(): string;
  }

  /** Where a room's seat and history outlive a reload. */
  interface Keep {
    saveSeat(seat: SavedSeat): void;
    saveLog(log: SavedLog): void;
    forget(): void;
  }

  interface SavedSeat {
    wish: Wish;
    seat: Omit<Seat, "heard"> | null;
    outbox: { n: number; letters: Letter[] };
  }

  interface SavedLog {
    heard: number;
    entries: Entry[];
    nextId: number;
    topic: string;
    quiet: boolean;
  }
}
