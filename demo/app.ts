/**
 * @file The demo page: loads MNIST, trains as its form says, shows how it goes, and hands the trained network to the
 * drawing below. Values in the address set those of the form: `?epochs=2&seed=7`.
 */
import { type Dataset, datasets } from 'tsuno';
import { Curves } from './curves.ts';
import { created, duration, element, number, percent } from './page.ts';
import { Recognition } from './recognition.ts';
import { type Outcome, type Progress, partsOf, type TrainingOptions, train } from './training.ts';

type State = 'loading' | 'ready' | 'training' | 'trained' | 'stopped' | 'failed';

const form = element('settings', HTMLFormElement);
const fields = element('fields', HTMLFieldSetElement);
const start = element('start', HTMLButtonElement);
const stop = element('stop', HTMLButtonElement);
const bar = element('bar', HTMLProgressElement);
const figures = {
  pace: element('pace', HTMLElement),
  rate: element('rate', HTMLElement),
  threads: element('threads', HTMLElement),
  arithmetic: element('arithmetic', HTMLElement),
  accuracy: element('accuracy', HTMLElement),
  fingerprint: element('fingerprint', HTMLElement),
};

const curves = new Curves();
const recognition = new Recognition();
let trained: Outcome | undefined;

/** The state, for style and tests, and what to say about it. */
function show(state: State, message: string): void {
  document.documentElement.dataset.state = state;
  element('status', HTMLElement).textContent = message;
  const training = state === 'training';
  fields.disabled = training;
  start.disabled = training || state === 'loading';
  stop.disabled = !training;
}

/** Fills the form: threads of this machine, then what the address says. */
function fillForm(): void {
  const threads = field('threads');
  const processors = navigator.hardwareConcurrency;
  threads.max = String(Math.max(8, processors));
  threads.value = crossOriginIsolated ? String(Math.min(8, processors)) : '1';
  for (const [name, value] of new URLSearchParams(location.search)) {
    const control = form.elements.namedItem(name);
    if (control instanceof HTMLInputElement || control instanceof HTMLSelectElement) {
      control.value = value;
    }
  }
  threads.disabled = !crossOriginIsolated;
  const here = new URL(location.href);
  if (crossOriginIsolated) here.searchParams.set('isolated', '0');
  else here.searchParams.delete('isolated');
  const link = created('a', '', crossOriginIsolated ? 'Load it without' : 'Load it with threads');
  link.href = here.href;
  element('isolation', HTMLElement).append(
    crossOriginIsolated
      ? 'This page is cross-origin isolated, so the network can use threads. '
      : 'This page is not cross-origin isolated: one thread, the same bits. ',
    link,
    '.',
  );
}

function field(name: string): HTMLInputElement {
  return form.elements.namedItem(name) as HTMLInputElement;
}

function settings(signal: AbortSignal): TrainingOptions & { images: number } {
  return {
    epochs: field('epochs').valueAsNumber,
    batchSize: field('batchSize').valueAsNumber,
    threads: field('threads').valueAsNumber,
    seed: field('seed').valueAsNumber,
    images: field('images').valueAsNumber,
    arithmetic: field('arithmetic').value === 'portable' ? 'portable' : 'fused',
    signal,
  };
}

function showPace(msPerStep: number | undefined, batchSize: number): void {
  if (msPerStep === undefined) return;
  figures.pace.textContent = number(msPerStep, msPerStep < 10 ? 2 : 1);
  figures.rate.textContent = number((1000 * batchSize) / msPerStep);
}

function showProgress({ epoch, step, steps, msPerStep }: Progress, options: TrainingOptions): void {
  bar.value = step / steps;
  const left = msPerStep === undefined ? '' : ` · ${duration((steps - step) * msPerStep)} left`;
  show(
    'training',
    `Epoch ${epoch + 1} of ${options.epochs} · step ${number(step)} of ${number(steps)}${left}`,
  );
  showPace(msPerStep, options.batchSize);
}

async function run(all: Dataset, test: Dataset): Promise<void> {
  const controller = new AbortController();
  const options = settings(controller.signal);
  stop.onclick = () => controller.abort();
  for (const figure of Object.values(figures)) figure.textContent = '–';
  bar.value = 0;
  show('training', 'Compiling the network…');
  curves.clear(options.epochs);
  try {
    await recognition.use(undefined);
    trained?.model.close();
    trained = undefined;
    const began = performance.now();
    trained = await train(partsOf(all, options.images), options, {
      started: (engine) => {
        figures.threads.textContent = String(engine.threads);
        figures.arithmetic.textContent = engine.arithmetic;
      },
      progress: (progress) => showProgress(progress, options),
      trained: (point) => curves.trained(point),
      validated: (point) => curves.validated(point),
    });
    const { model, stopped, steps, msPerStep, fingerprint } = trained;
    const took = `${number(steps)} steps in ${number((performance.now() - began) / 1000, 1)} s`;
    showPace(msPerStep, options.batchSize);
    figures.fingerprint.textContent = fingerprint.slice(0, 8);
    figures.fingerprint.title = fingerprint;
    stop.disabled = true;
    const { accuracy = Number.NaN } = await model.evaluate(test, { verbose: 0 });
    figures.accuracy.textContent = percent(accuracy, 2);
    await recognition.use(model);
    show(
      stopped ? 'stopped' : 'trained',
      stopped ? `Stopped after ${took}.` : `Trained: ${took}. Now draw a digit.`,
    );
  } catch (error) {
    fail(error);
  }
}

function fail(error: unknown): void {
  console.error(error);
  show('failed', error instanceof Error ? error.message : String(error));
}

fillForm();
try {
  const { train: all, test } = await datasets.mnist.load({ from: '/mnist/' });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void run(all, test);
  });
  show('ready', `${number(all.length)} images are ready.`);
} catch (error) {
  fail(error);
  start.disabled = true;
}
