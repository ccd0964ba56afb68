/** @file The door to layers by class name: every built-in class made known. */
import * as builtIn from './index.ts';
import { addBuiltIn } from './known_classes.ts';
import { Layer, type LayerClass } from './layer.ts';

function isLayerClass(value: unknown): value is LayerClass {
  return typeof value === 'function' && value.prototype instanceof Layer;
}

for (const value of Object.values(builtIn)) {
  if (isLayerClass(value)) addBuiltIn(value);
}

export * from './known_classes.ts';
