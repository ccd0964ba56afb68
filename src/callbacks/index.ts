/** @file The callbacks: `import { callbacks } from 'tsuno'`. */
export { Callback, type Logs, type TrainedModel, type TrainingParams } from '../train/callback.ts';
export { History } from './history.ts';
export { Progbar } from './progbar.ts';
export { ProgbarLogger } from './progbar_logger.ts';
