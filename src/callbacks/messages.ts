/** @file Where callbacks print: standard output and its warnings in Node, the console in a page. */

/** To standard output, or line by line to a page's console. */
export function writeOut(text: string): void {
  if (typeof process !== 'undefined' && process.stdout) process.stdout.write(text);
  else if (text.trim()) console.log(text.trim());
}

/** A line of its own. */
export function printMessage(text: string): void {
  writeOut(`${text}\n`);
}

export function warn(text: string): void {
  console.warn(`tsuno: ${text}`);
}
