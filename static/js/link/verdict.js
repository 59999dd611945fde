// Whether this network lets streams through, by how they ended and whether polls got through meanwhile: a server that is
// away takes both along. Each gives the next verdict.
const MISSES = 3; // streams that failed, or
const CUTS = 3; // that were cut soon, before it is taken for the network's way

// `open` is whether the next poll tells what to make of the last failure.
export const NO_VERDICT = { misses: 0, cuts: 0, open: false };

export const isBad = ({ misses, cuts }) => misses >= MISSES || cuts >= CUTS;

// A stream failed. `through`: polls get through.
export const missed = (verdict, through) => (through ? { ...verdict, misses: verdict.misses + 1 } : { ...verdict, open: true });

// A stream opened its connection, or not even that, and said nothing: one poll that gets through is enough.
export const late = (verdict, through) => missed({ ...verdict, misses: Math.max(verdict.misses, MISSES - 1) }, through);

export const cut = (verdict) => ({ ...verdict, cuts: verdict.cuts + 1 });

export const polled = (verdict) => ({ ...verdict, misses: verdict.misses + (verdict.open ? 1 : 0), open: false });

// Polls do not get through either.
export const nothing = (verdict) => ({ ...verdict, cuts: 0, open: false });

export const opened = (verdict) => ({ ...verdict, misses: 0, open: false });

export const settled = (verdict) => ({ ...verdict, cuts: 0 });
