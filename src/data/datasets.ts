/** @file The data sets by name, as `datasets.mnist.load()`. */
export * as fashionMnist from './fashion_mnist.ts';
export * as mnist from './mnist.ts';
