// A device that sleeps stops its timers, and wakes up without an event that a page can count on: its clock has jumped.

const LOOK_EVERY = 2_000;
/** Timers of a page that is seen are never so late while the device is awake, in milliseconds. */
const NAP = 10_000;

/**
 * Call back whenever the clock has jumped.
 *
 * @param {Chat.World} world
 * @param {() => void} woken
 */
export function watchNaps(world, woken) {
  const before = world.now();
  world.setTimer(() => {
    if (world.now() - before > NAP) woken();
    watchNaps(world, woken);
  }, LOOK_EVERY);
}
