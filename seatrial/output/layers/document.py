"""Layers as JSON documents."""

from __future__ import annotations

from seatrial.checks.image.secrets import without_secrets
from seatrial.layers.image_steps import LayeredImage, total_size
from seatrial.output.documents import as_text
from seatrial.output.layer_documents import (
    ImageStepDocument,
    LayeredImageDocument,
    LayersDocument,
    ReuseDocument,
    SharedImageDocument,
    SharingDocument,
    TrafficDocument,
)
from seatrial.output.layers.sharing_view import SharingView
from seatrial.output.layers.view import Group, LayersView

__all__ = ["as_json"]


def as_json(view: LayersView | SharingView) -> str:
    """Return the document that `--json` prints."""
    return as_text(_sharing(view) if isinstance(view, SharingView) else _layers(view))


def _layers(view: LayersView) -> LayersDocument:
    comparison, reuse, traffic = view.comparison, view.reuse, view.traffic
    groups = {group.kind: group for group in view.groups}
    gone = groups.pop("gone", None)
    return LayersDocument(
        image=_image(view.image),
        against=_image(comparison.against) if comparison else None,
        steps=tuple(one for group in groups.values() for one in _steps(group)),
        only_against=_steps(gone) if gone else (),
        shared_bytes=total_size(one.size for one in comparison.shared) if comparison else None,
        new_bytes=total_size(one.size for one in comparison.new) if comparison else None,
        reuse=ReuseDocument(
            instruction=without_secrets(reuse.step.text),
            line=reuse.line,
            reason=without_secrets(reuse.reason),
            again_bytes=reuse.again_bytes,
            hint=reuse.hint or None,
        )
        if reuse
        else None,
        traffic=TrafficDocument(
            repository=traffic.repository,
            published=traffic.published,
            push_bytes=traffic.push,
            push_is_exact=traffic.exact,
            push_layers=len(traffic.push_layers),
            mounted_layers=len(traffic.mounted),
            pull_bytes=traffic.pull_all,
            update_bytes=traffic.pull_update,
            reason=traffic.reason or None,
        )
        if traffic
        else None,
    )


def _image(image: LayeredImage) -> LayeredImageDocument:
    return LayeredImageDocument(name=image.name, id=image.id or None, size=image.size, layers=len(image.layers))


def _steps(group: Group) -> tuple[ImageStepDocument, ...]:
    return tuple(
        ImageStepDocument(
            instruction=row.text,
            layer=row.step.layer,
            size=row.step.size,
            compressed_size=row.compressed,
            state=row.state,
        )
        for row in group.rows
    )


def _sharing(view: SharingView) -> SharingDocument:
    sharing = view.sharing
    return SharingDocument(
        images=tuple(
            SharedImageDocument(names=one.names, id=one.id, size=one.size, own_bytes=sharing.own(one))
            for one in sharing.images
        ),
        total_bytes=sharing.total,
        disk_bytes=sharing.on_disk,
        saved_bytes=sharing.total - sharing.on_disk,
    )
