/** @file Functions that build whole networks. Weights are random; none are shipped or downloaded. */
export type { ImageNetOptions } from './image_net.ts';
export { ResNet18, ResNet34, ResNet50, ResNet101, ResNet152 } from './image_net_resnet.ts';
export { VGG16, VGG19 } from './image_net_vgg.ts';
export { lenet5 } from './lenet5.ts';
export { mlp } from './mlp.ts';
export { mobileNetLike } from './mobile_net_like.ts';
export { MobileNetV2, type MobileNetV2Options } from './mobile_net_v2.ts';
export { type ResnetDepth, resnet } from './resnet.ts';
export type { SmallOptions } from './small.ts';
export { vggLike } from './vgg_like.ts';
