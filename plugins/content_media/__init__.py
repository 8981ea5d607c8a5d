"""Video and audio lessons: a file that was uploaded, or an address on a site that the institution trusts.

Two plugins, ``content_video`` and ``content_audio``, each to be switched off by itself. Content of both:

- ``fileId``, or ``url`` on one of the hosts of ``lms.content.video_hosts`` or ``lms.content.audio_hosts``;
- ``durationSeconds``, where nobody can measure it;
- ``tracks``: WebVTT files of the author's, each with ``kind``, ``language`` and ``label``.

Of a file, ``name``, ``size`` and ``mimeType`` are added at once. Afterwards FFmpeg, where it is installed, measures it:
``measuredSeconds``, and of a film ``width``, ``height`` and ``stillFileId``, a picture for players to show until it
runs. Where that cannot be told, ``problem`` says why.
"""
