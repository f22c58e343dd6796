"""A data set on disk: cases with every revision of their labels, safe for two people on one share.

    DIR/
      dataset.json                 says that this is a data set, and of which version
      <case>/
        image.nrrd                 the scan, written once
        labels.seg.nrrd            the newest labels, FDI numbers, for Slicer and everyone else
        case.json                  the newest record
        revisions/0001/            each revision as it was saved, never touched again
          labels.seg.nrrd  case.json

A revision exists from the moment its folder is renamed into `revisions/`; that is one step of the
file system, which also refuses a second folder of the same number. What lies beside `revisions/`
are copies for other programs, which opening the data set brings up to date. See docs/dataset.md.
"""
