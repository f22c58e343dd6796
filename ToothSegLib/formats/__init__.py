"""Scans' files: NRRD, NIfTI, MetaImage and DICOM, what they claim, and by what a scan is known."""
