/** @file Pictures of models, training runs and predictions: `plots.model`, `plots.history`, `plots.predictions`. */
export type { ComparedRuns, ComparisonChartOptions } from './comparison.ts';
export type { CurveOptions, HistoryData } from './curves.ts';
export type {
  Amount,
  Connection,
  LayerDescription,
  ModelDescription,
  ModelKind,
  Shapes,
} from './description.ts';
export type { DiagramOptions } from './diagram.ts';
export { modelToDot } from './diagram.ts';
export {
  comparison,
  type Describable,
  diagram,
  diagram as model,
  history,
  predictions,
  savePlot,
} from './files.ts';
export type { PredictionOptions } from './predictions.ts';
export { type SummaryOptions, summaryText } from './summary.ts';
export { type PngOptions, svgToPng } from './svg_to_png.ts';
