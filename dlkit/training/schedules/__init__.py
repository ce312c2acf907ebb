"""Learning-rate schedules that Keras does not have, one file each: written in recipes wherever Keras's are."""
