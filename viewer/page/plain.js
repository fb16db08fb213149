// What a message says, taken as no more than it may be: nothing from a trace is trusted to have the right type.

export const text = (value) => (typeof value === "string" ? value : value === undefined || value === null ? "" : String(value));
export const whole = (value, otherwise = -1) => (Number.isInteger(value) ? value : otherwise);
export const list = (value) => (Array.isArray(value) ? value : []);

// Index of the last entry of a sorted list that is not above a value, -1 if there is none.
export function lastUpTo(sorted, value, key = (each) => each) {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (key(sorted[middle]) <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
