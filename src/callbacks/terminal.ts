/** @file Where text is printed: how wide the terminal is, and whether it shows colours and can redraw a line. */

export interface Terminal {
  /** Whether standard output is a terminal; never in a browser. */
  isTerminal: boolean;
  /** Characters a line, 80 where not known. */
  columns: number;
  /** Whether to send colours: on a terminal, unless `NO_COLOR` is set; `FORCE_COLOR` sends them elsewhere too. */
  colour: boolean;
}

/** The terminal of this process, as it is now; `COLUMNS` overrides its width. */
export function terminal(): Terminal {
  const here = globalThis.process as typeof process | undefined;
  const output = here?.stdout;
  const environment = here?.env ?? {};
  const isTerminal = output?.isTTY === true;
  const wanted = Number(environment.COLUMNS);
  // A terminal that does not know its width says 0.
  const columns = Number.isInteger(wanted) && wanted > 0 ? wanted : output?.columns || 80;
  const forced = !['', '0', 'false', undefined].includes(environment.FORCE_COLOR);
  const refused = (environment.NO_COLOR ?? '') !== '';
  return { isTerminal, columns, colour: (isTerminal || forced) && !refused };
}
