/** @file Functions that build whole networks. Weights are random; none are shipped or downloaded. */
export { DenseNet121, DenseNet169, DenseNet201 } from './dense_net.ts';
export {
  EfficientNetB0,
  EfficientNetB1,
  EfficientNetB2,
  EfficientNetB3,
  EfficientNetB4,
  EfficientNetB5,
  EfficientNetB6,
  EfficientNetB7,
} from './efficient_net.ts';
export type { ImageNetOptions } from './image_net.ts';
export { ResNet18, ResNet34, ResNet50, ResNet101, ResNet152 } from './image_net_resnet.ts';
export { ResNet50V2, ResNet101V2, ResNet152V2 } from './image_net_resnet_v2.ts';
export { VGG16, VGG19 } from './image_net_vgg.ts';
export { InceptionV3 } from './inception_v3.ts';
export { lenet5 } from './lenet5.ts';
export { mlp } from './mlp.ts';
export { MobileNet, type MobileNetOptions } from './mobile_net.ts';
export { mobileNetLike } from './mobile_net_like.ts';
export { MobileNetV2, type MobileNetV2Options } from './mobile_net_v2.ts';
export { MobileNetV3Large, type MobileNetV3Options, MobileNetV3Small } from './mobile_net_v3.ts';
export { type ResnetDepth, resnet } from './resnet.ts';
export type { SmallOptions } from './small.ts';
export { vggLike } from './vgg_like.ts';
export { Xception } from './xception.ts';
