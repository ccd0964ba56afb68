/** @file The logs of each epoch, sent to a server. */
import { Callback, type Logs } from '../train/callback.ts';
import { warn } from './messages.ts';

export interface RemoteMonitorOptions {
  /** Default `http://localhost:9000`. */
  root?: string | undefined;
  /** Default `/publish/epoch/end/`. */
  path?: string | undefined;
  /** The field of the form that holds the JSON; default `data`. */
  field?: string | undefined;
  headers?: Readonly<Record<string, string>> | undefined;
  /** Whether the JSON is the body itself; default false: it is a field of a form. */
  sendAsJson?: boolean | undefined;
}

/**
 * Posts the logs of each epoch; a server that cannot be reached is a warning.
 *
 * @example
 * ```ts no-run
 * const monitor = new callbacks.RemoteMonitor({ root: 'http://localhost:9000', sendAsJson: true });
 * await model.fit(training, { callbacks: [monitor] });
 * ```
 * @see https://keras.io/api/callbacks/remote_monitor/
 */
export class RemoteMonitor extends Callback {
  private readonly options: RemoteMonitorOptions;

  constructor(options: RemoteMonitorOptions = {}) {
    super();
    this.options = options;
  }

  override async onEpochEnd(epoch: number, logs: Logs): Promise<void> {
    const {
      root = 'http://localhost:9000',
      path = '/publish/epoch/end/',
      field = 'data',
      headers = {},
      sendAsJson = false,
    } = this.options;
    const json = JSON.stringify({ epoch, ...logs });
    const body = sendAsJson ? json : new URLSearchParams({ [field]: json });
    const type = sendAsJson ? { 'content-type': 'application/json' } : {};
    try {
      await fetch(root + path, { method: 'POST', headers: { ...type, ...headers }, body });
    } catch {
      warn(`Could not reach RemoteMonitor root server at ${root}`);
    }
  }
}
