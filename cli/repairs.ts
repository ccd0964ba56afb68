/** @file What messages of the library say of its options, in words of the command line. */

/** What a program would do, and what somebody does who has the command line alone. */
const repairs: readonly (readonly [program: string, commandLine: string])[] = [
  ['Remove them, or pass force: true, to begin anew.', 'Remove them to begin anew.'],
  [
    'Make it equal, choose another place or remove the backups; force: true goes on all the same, not exactly.',
    'Make it equal, choose another folder for --backup, or remove the backups.',
  ],
  [
    'Give it as customObjects: { name: class }.',
    'Load it in a program: loadModel(path, { customObjects: { name: class } }).',
  ],
  [
    'Call model.build(shape), or give the model data first.',
    'tsuno fit builds it for the data that it is trained on.',
  ],
  [
    'Call build() with an input shape, or the model on data.',
    'tsuno fit builds it for the data that it is trained on.',
  ],
  ["use loss: 'categorical_crossentropy'.", 'use --loss categorical_crossentropy.'],
  ["use loss: 'sparse_categorical_crossentropy'.", 'use --loss sparse_categorical_crossentropy.'],
  ['Try a smaller learning rate.', 'Try a smaller --learning-rate.'],
  [
    'Give the optimizer a number and a LearningRateScheduler callback.',
    'Give --optimizer as well, for one without a schedule.',
  ],
  ['Compile the model with a new optimizer.', 'Begin with a new one: --optimizer NAME.'],
  ['Use a smaller batch or model.', 'Use a smaller --batch-size or model.'],
  ['Run again, or set threads to 1.', 'Run again, or with --threads 1.'],
  ['Raise watchdog if the kernel is that slow.', 'Use a smaller --batch-size.'],
  [
    "Remove or replace them, or pass unreadable: 'skip' to leave them out.",
    'Remove or replace them.',
  ],
  [
    'The file is not the original: get it again, or pass verify: false to load files of your own.',
    'The file is not the original: get it again.',
  ],
  [
    'The files are not the originals: get them again, or pass verify: false.',
    'The files are not the originals: get them again.',
  ],
  ['Unpack it again, or pass verify: false for files of your own.', 'Unpack it again.'],
  ['Or pass verify: false.', 'Get the files again.'],
  ['Pass allowTrailing: true to read it nevertheless.', 'Get the file again.'],
  ['Pass followLinks: true to read it nevertheless.', 'Put the folder itself in its place.'],
  ['or pass the folder of the files as from.', 'or say mnist:PART:FOLDER.'],
  [
    'Begin the model with layers.rescaling(1 / 255).',
    'A program can begin the model with layers.rescaling(1 / 255).',
  ],
];

/** For tests: what is looked for in messages. */
export const programRepairs: readonly string[] = repairs.map(([program]) => program);

/** `text`, a message of the library, with what is to be done told in words of the command line. */
export function inFlags(text: string): string {
  return repairs.reduce(
    (told, [program, commandLine]) => told.replaceAll(program, commandLine),
    text,
  );
}
