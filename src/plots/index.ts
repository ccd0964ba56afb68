/** @file Pictures of models, of training, of what is inside a network and of what it says. */
export type { ComparedRuns, ComparisonChartOptions } from './comparison.ts';
export type { ConfusionOptions } from './confusion_matrix.ts';
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
  confusionMatrix,
  type Describable,
  diagram,
  diagram as model,
  featureMaps,
  filters,
  history,
  predictions,
  savePlot,
} from './files.ts';
export type { FeatureMapOptions, FilterOptions, WhichLayer } from './layer_images.ts';
export type { PredictionOptions } from './predictions.ts';
export { type SummaryOptions, summaryText } from './summary.ts';
export { type PngOptions, svgToPng } from './svg_to_png.ts';
