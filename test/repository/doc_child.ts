/**
 * @file The process that runs documentation blocks: one module after the other, in a folder of their own, the layer
 * names counted from the start for each. In: the modules' addresses as arguments, tsuno's own first. Out: a message to the parent before and after each.
 */
const [tsuno, ...modules] = process.argv.slice(2);
const { clearSession } = (await import(tsuno!)) as { clearSession(): void };

/** What the parent hears: block `index` began, ended well, or failed. */
export interface Progress {
  index: number;
  state: 'began' | 'passed' | 'failed';
  error?: string;
}

const tell = (progress: Progress) =>
  new Promise<void>((sent) => process.send?.(progress, undefined, {}, () => sent()));

for (const [index, module] of modules.entries()) {
  await tell({ index, state: 'began' });
  clearSession();
  try {
    await import(module);
    await tell({ index, state: 'passed' });
  } catch (error) {
    await tell({
      index,
      state: 'failed',
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
  }
}
process.exit(0); // whatever a block left running ends here
