# The public names, once: editors read them here, and gan/__init__.py at run time.
from gan import callbacks as callbacks
from gan import latent as latent
from gan import losses as losses
from gan import saving as saving
from gan.base import AdversarialModel as AdversarialModel
from gan.data import faces as faces
from gan.data import toys as toys
from gan.errors import InvalidInput as InvalidInput
from gan.evaluation import metrics as metrics
from gan.evaluation.diagnose import diagnose as diagnose
from gan.fully_connected import fully_connected_GenDiscr as fully_connected_GenDiscr
from gan.generate_faces import convolutional_GenDiscr as convolutional_GenDiscr
from gan.generators.trained import TrainedGenerator as TrainedGenerator
from gan.generators.trained import load_generator as load_generator
from gan.latent import normal_generator as normal_generator
from gan.latent import spheric_generator as spheric_generator
from gan.latent import symmetric_generator as symmetric_generator
from gan.latent import uniform_generator as uniform_generator
from gan.saving import load_model as load_model
from gan.saving import weights_file
from gan.simple_gan import Simple_GAN as Simple_GAN
from gan.training import distribute as distribute
from gan.training import schedules as schedules
from gan.training.fit import Diverged as Diverged
from gan.variants.ac_gan import AC_GAN as AC_GAN
from gan.variants.diff_augment import DiffAugment as DiffAugment
from gan.variants.hinge_gan import HingeGAN as HingeGAN
from gan.variants.minimax_gan import MinimaxGAN as MinimaxGAN
from gan.variants.non_saturating_gan import NonSaturatingGAN as NonSaturatingGAN
from gan.variants.r3gan import R3GAN as R3GAN
from gan.variants.residual import residual_GenDiscr as residual_GenDiscr
from gan.variants.two_class_gan import TwoClassGAN as TwoClassGAN
from gan.visualization import animation as animation
from gan.visualization import plots as plots
from gan.visualization import walks as walks
from gan.wgan_clip import WGAN_clip as WGAN_clip
from gan.wgan_gp import WGAN_GP as WGAN_GP

__version__: str
penalties = losses
weights = weights_file
