/** @file The callbacks: `import { callbacks } from 'tsuno'`. */
export { OriginStore } from '../saving/backup_origin.ts';
export type { BackupStore } from '../saving/backup_store.ts';
export {
  Callback,
  type Logs,
  type PredictionLogs,
  type TrainedModel,
  type TrainingParams,
} from '../train/callback.ts';
export type { CallbackState, StateValue } from '../train/run_state.ts';
export { BackupAndRestore, type BackupAndRestoreOptions } from './backup_and_restore.ts';
export { CSVLogger, type CSVLoggerOptions } from './csv_logger.ts';
export { EarlyStopping, type EarlyStoppingOptions } from './early_stopping.ts';
export { History } from './history.ts';
export { LambdaCallback, type LambdaCallbackOptions } from './lambda_callback.ts';
export {
  LearningRateScheduler,
  type LearningRateSchedulerOptions,
} from './learning_rate_scheduler.ts';
export { ModelCheckpoint, type ModelCheckpointOptions } from './model_checkpoint.ts';
export type { MonitorMode, MonitorOptions } from './monitor.ts';
export { Progbar } from './progbar.ts';
export { ProgbarLogger } from './progbar_logger.ts';
export { ReduceLROnPlateau, type ReduceLROnPlateauOptions } from './reduce_lr_on_plateau.ts';
export { RemoteMonitor, type RemoteMonitorOptions } from './remote_monitor.ts';
export { SwapEMAWeights, type SwapEMAWeightsOptions } from './swap_ema_weights.ts';
export { TensorBoard, type TensorBoardOptions } from './tensor_board.ts';
export { TerminateOnNaN, type TerminateOnNaNOptions } from './terminate_on_nan.ts';
