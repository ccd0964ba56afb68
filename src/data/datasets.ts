/** @file The data sets by name, as `datasets.mnist.load()`. */
export * as cifar10 from './cifar10.ts';
export * as cifar100 from './cifar100.ts';
export * as fashionMnist from './fashion_mnist.ts';
export * as mnist from './mnist.ts';
